//! The settings of photos.

use std::time::Duration;

use super::table::{Group, Setting};
use super::values;

const DAY: u64 = 86_400;

pub(super) const PHOTOS: &[Setting] = &[
    Setting {
        key: "image_url_lifetime",
        group: Group::Photos,
        value: "DURATION",
        default: "30d",
        without: "",
        help: "How long photos can be fetched by the `src` of an event or answer, 1s to 3650d.",
        set: |settings, text| {
            let most = Duration::from_secs(3_650 * DAY);
            values::duration(text, Duration::from_secs(1), most)
                .map(|value| settings.image_url_lifetime = value)
        },
    },
    Setting {
        key: "image_distance_max_metres",
        group: Group::Photos,
        value: "METRES",
        default: "200",
        without: "",
        help: "Photos of one inspection that lie further apart fail the check `distance`, 1 to 1000000.",
        set: |settings, text| {
            values::count(text, 1, 1_000_000)
                .map(|value| settings.image_distance_max_metres = value)
        },
    },
    Setting {
        key: "image_processor_url",
        group: Group::Photos,
        value: "URL",
        default: "",
        without: "nobody is told; whoever reads the API may answer",
        help: "Where an outside image processor is told of photos that need it.",
        set: |settings, text| {
            values::base_url(text).map(|value| settings.image_processor_url = value)
        },
    },
    Setting {
        key: "image_processor_secret_file",
        group: Group::Photos,
        value: "FILE",
        default: "",
        without: "the requests are not signed",
        help: "Holds the secret that requests to the image processor are signed with, as webhooks are.",
        set: |settings, text| {
            values::optional_path(text).map(|value| settings.image_processor_secret_file = value)
        },
    },
    Setting {
        key: "image_processor_timeout",
        group: Group::Photos,
        value: "DURATION",
        default: "10m",
        without: "",
        help: "How long an outside processor's answer is waited for, 100ms to 30d; then its checks are not valid.",
        set: |settings, text| {
            let most = Duration::from_secs(30 * DAY);
            values::duration(text, Duration::from_millis(100), most)
                .map(|value| settings.image_processor_timeout = value)
        },
    },
    Setting {
        key: "image_pixels_max",
        group: Group::Photos,
        value: "COUNT",
        default: "36000000",
        without: "",
        help: "Pixels of one photo, 10000 to 200000000; one is decoded at a time and takes some 10 bytes a pixel.",
        set: |settings, text| {
            values::count(text, 10_000, 200_000_000).map(|value| settings.image_pixels_max = value)
        },
    },
    Setting {
        key: "s3_bucket",
        group: Group::Photos,
        value: "NAME",
        default: "",
        without: "photos are kept in the folder `files` of the data folder",
        help: "A bucket of S3-compatible storage that photos are kept in.",
        set: |settings, text| {
            settings.s3_bucket = (!text.is_empty()).then(|| text.to_owned());
            Ok(())
        },
    },
    Setting {
        key: "s3_prefix",
        group: Group::Photos,
        value: "NAME",
        default: "",
        without: "nothing",
        help: "What the names of files in the bucket start with, without a slash at the end.",
        set: |settings, text| {
            text.clone_into(&mut settings.s3_prefix);
            Ok(())
        },
    },
    Setting {
        key: "s3_region",
        group: Group::Photos,
        value: "NAME",
        default: "us-east-1",
        without: "",
        help: "The bucket's region; storage that has none takes any.",
        set: |settings, text| {
            text.clone_into(&mut settings.s3_region);
            Ok(())
        },
    },
    Setting {
        key: "s3_endpoint",
        group: Group::Photos,
        value: "URL",
        default: "",
        without: "Amazon's for the region",
        help: "Where the S3-compatible storage is.",
        set: |settings, text| values::base_url(text).map(|value| settings.s3_endpoint = value),
    },
    Setting {
        key: "s3_access_key_id",
        group: Group::Photos,
        value: "ID",
        default: "",
        without: "none; the storage needs one",
        help: "Names the key that requests to the storage are signed with.",
        set: |settings, text| {
            text.clone_into(&mut settings.s3_access_key_id);
            Ok(())
        },
    },
    Setting {
        key: "s3_secret_key_file",
        group: Group::Photos,
        value: "FILE",
        default: "",
        without: "none; the storage needs one",
        help: "Holds the secret of that key.",
        set: |settings, text| {
            values::optional_path(text).map(|value| settings.s3_secret_key_file = value)
        },
    },
];
