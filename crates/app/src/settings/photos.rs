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
];
