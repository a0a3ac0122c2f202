//! Pixels: made smaller, made grey, and measured.

use image::{DynamicImage, GrayImage, RgbImage};

/// The larger edge of what is measured.
pub(super) const MEASURED_EDGE_PIXELS: u32 = 512;
/// Below this a pixel is nearly black.
const DARK_BELOW: u8 = 24;
/// Above this a pixel is nearly white.
const BRIGHT_ABOVE: u8 = 231;

/// The size with this longer edge and the same shape; a smaller picture keeps its size.
pub(super) fn fit(width: u32, height: u32, edge_pixels: u32) -> (u32, u32) {
    let longer = width.max(height).max(1);
    if longer <= edge_pixels {
        return (width.max(1), height.max(1));
    }
    let scaled = |side: u32| {
        let rounded =
            (u64::from(side) * u64::from(edge_pixels) + u64::from(longer) / 2) / u64::from(longer);
        u32::try_from(rounded).unwrap_or(edge_pixels).max(1)
    };
    (scaled(width), scaled(height))
}

/// Makes a picture smaller so that its longer edge fits: each new pixel is the mean of the area that it
/// covers, so that nothing is skipped and nothing is sharpened. What is transparent shows white.
pub(super) fn shrink(picture: &DynamicImage, edge_pixels: u32) -> RgbImage {
    let size = (picture.width(), picture.height());
    let to = fit(size.0, size.1, edge_pixels);
    let row_of = |bytes_per_pixel: usize| size.0 as usize * bytes_per_pixel;
    match picture {
        DynamicImage::ImageRgb8(pixels) => {
            let rows = pixels.as_raw().chunks_exact(row_of(3));
            mean_areas(rows, size, to, |row, rgb| rgb.copy_from_slice(row))
        }
        DynamicImage::ImageLuma8(pixels) => {
            let rows = pixels.as_raw().chunks_exact(row_of(1));
            mean_areas(rows, size, to, |row, rgb| {
                for (grey, rgb) in row.iter().zip(rgb.as_chunks_mut::<3>().0) {
                    *rgb = [*grey; 3];
                }
            })
        }
        DynamicImage::ImageRgba8(pixels) => {
            mean_areas(pixels.as_raw().chunks_exact(row_of(4)), size, to, on_white)
        }
        other => {
            let pixels = other.to_rgba8();
            mean_areas(pixels.as_raw().chunks_exact(row_of(4)), size, to, on_white)
        }
    }
}

fn on_white(rgba: &[u8], rgb: &mut [u8]) {
    for (from, to) in rgba
        .as_chunks::<4>()
        .0
        .iter()
        .zip(rgb.as_chunks_mut::<3>().0)
    {
        let [r, g, b, alpha] = *from;
        *to = [r, g, b].map(|part| {
            let alpha = u16::from(alpha);
            let mixed = (u16::from(part) * alpha + 255 * (255 - alpha) + 127) / 255;
            u8::try_from(mixed).unwrap_or(u8::MAX)
        });
    }
}

/// Rows are added up as they come, each with the share of it that lies in the new row; then each sum is cut
/// into its new pixels. So a photo is read once, row by row.
fn mean_areas<'a>(
    rows: impl Iterator<Item = &'a [u8]>,
    (width, height): (u32, u32),
    (to_width, to_height): (u32, u32),
    as_rgb: impl Fn(&[u8], &mut [u8]),
) -> RgbImage {
    let down = f64::from(height) / f64::from(to_height);
    let across = f64::from(width) / f64::from(to_width);
    let area = (down * across) as f32;
    let mut rgb = vec![0_u8; width as usize * 3];
    let mut sums = vec![0_f32; width as usize * 3];
    let mut small = Vec::with_capacity(to_width as usize * to_height as usize * 3);
    let mut edge = down;
    let mut made = 1;
    for (at, row) in rows.enumerate() {
        as_rgb(row, &mut rgb);
        let (top, bottom) = (at as f64, at as f64 + 1.0);
        if bottom < edge || made == to_height {
            add(&mut sums, &rgb, 1.0);
            continue;
        }
        add(&mut sums, &rgb, (edge - top) as f32);
        cut(&sums, across, area, to_width, &mut small);
        sums.fill(0.0);
        add(&mut sums, &rgb, (bottom - edge) as f32);
        made += 1;
        edge = down * f64::from(made);
    }
    cut(&sums, across, area, to_width, &mut small);
    RgbImage::from_raw(to_width, to_height, small).unwrap_or_default()
}

fn add(sums: &mut [f32], row: &[u8], share: f32) {
    for (sum, part) in sums.iter_mut().zip(row) {
        *sum += share * f32::from(*part);
    }
}

/// Cuts a row of sums into new pixels, each the mean of the stretch that it covers.
fn cut(sums: &[f32], across: f64, area: f32, to_width: u32, small: &mut Vec<u8>) {
    let mut stretch = [0_f32; 3];
    let mut edge = across;
    let mut made = 1;
    let mut push = |stretch: [f32; 3]| {
        // The cast holds what rounding put past the ends to 0 and 255.
        small.extend(stretch.map(|sum| (sum / area + 0.5) as u8));
    };
    for (at, pixel) in sums.as_chunks::<3>().0.iter().enumerate() {
        let (left, right) = (at as f64, at as f64 + 1.0);
        let (here, next) = if right < edge || made == to_width {
            (1.0, None)
        } else {
            ((edge - left) as f32, Some((right - edge) as f32))
        };
        for (sum, part) in stretch.iter_mut().zip(pixel) {
            *sum += here * part;
        }
        if let Some(next) = next {
            push(stretch);
            stretch = pixel.map(|part| next * part);
            made += 1;
            edge = across * f64::from(made);
        }
    }
    push(stretch);
}

/// Grey as the eye weighs colours.
pub(super) fn grey(picture: &RgbImage) -> GrayImage {
    let (width, height) = picture.dimensions();
    let pixels = picture.as_raw().as_chunks::<3>().0;
    let grey = pixels.iter().map(|&[r, g, b]| {
        let sum = 77 * u32::from(r) + 150 * u32::from(g) + 29 * u32::from(b);
        u8::try_from(sum >> 8).unwrap_or(u8::MAX)
    });
    GrayImage::from_raw(width, height, grey.collect()).unwrap_or_default()
}

/// The variance of the Laplacian: how much neighbours differ from what lies between them.
pub(super) fn sharpness(grey: &GrayImage) -> f64 {
    let width = grey.width() as usize;
    let rows: Vec<&[u8]> = grey.as_raw().chunks_exact(width.max(1)).collect();
    let (mut count, mut sum, mut squares) = (0_i64, 0_i64, 0_i64);
    for [above, here, below] in rows.array_windows() {
        for ((around, above), below) in here
            .array_windows()
            .zip(above.iter().skip(1))
            .zip(below.iter().skip(1))
        {
            let [left, middle, right] = around.map(i64::from);
            let laplacian = left + right + i64::from(*above) + i64::from(*below) - 4 * middle;
            count += 1;
            sum += laplacian;
            squares += laplacian * laplacian;
        }
    }
    if count == 0 {
        return 0.0;
    }
    let mean = sum as f64 / count as f64;
    squares as f64 / count as f64 - mean * mean
}

/// The shares of pixels that are nearly black and nearly white.
pub(super) fn extremes(grey: &GrayImage) -> (f64, f64) {
    let pixels = grey.as_raw();
    let share = |counts: &dyn Fn(u8) -> bool| {
        let number = pixels.iter().filter(|pixel| counts(**pixel)).count();
        number as f64 / pixels.len().max(1) as f64
    };
    (
        share(&|pixel| pixel < DARK_BELOW),
        share(&|pixel| pixel > BRIGHT_ABOVE),
    )
}

/// The difference hash: the picture as 9 by 8 means, and for each pair of neighbours whether it gets
/// brighter to the right. `None` when hardly any pair differs: such a hash is noise, and alike for all
/// even pictures.
pub(super) fn fingerprint(picture: &RgbImage) -> Option<u64> {
    const DIFFERENCE_MIN: u8 = 2;
    const DIFFERING_PAIRS_MIN: usize = 16;
    let size = picture.dimensions();
    let rows = picture.as_raw().chunks_exact(size.0 as usize * 3);
    let means = grey(&mean_areas(
        rows,
        size,
        (9.min(size.0), 8.min(size.1)),
        |row, rgb| {
            rgb.copy_from_slice(row);
        },
    ));
    if means.dimensions() != (9, 8) {
        return None;
    }
    let mut bits = 0;
    let mut differing = 0;
    for row in means.as_raw().chunks_exact(9) {
        for [left, right] in row.array_windows() {
            bits = bits << 1 | u64::from(left < right);
            differing += usize::from(left.abs_diff(*right) >= DIFFERENCE_MIN);
        }
    }
    (differing >= DIFFERING_PAIRS_MIN).then_some(bits)
}

#[cfg(test)]
mod tests {
    use super::*;
    use image::{Luma, Rgb, Rgba, RgbaImage};

    #[test]
    fn a_size_keeps_its_shape_and_never_grows() {
        assert_eq!(fit(4032, 3024, 512), (512, 384));
        assert_eq!(fit(3024, 4032, 320), (240, 320));
        assert_eq!(fit(20_000, 1, 512), (512, 1));
        assert_eq!(fit(100, 50, 512), (100, 50));
        assert_eq!(fit(u32::MAX, u32::MAX, 512), (512, 512));
    }

    #[test]
    fn shrinking_keeps_the_mean_and_each_area_its_own() {
        let left_black =
            RgbImage::from_fn(1001, 701, |x, _| Rgb([if x < 501 { 0 } else { 200 }; 3]));
        let small = shrink(&DynamicImage::ImageRgb8(left_black), 100);
        assert_eq!(small.dimensions(), (100, 70));
        assert_eq!(small.get_pixel(10, 35), &Rgb([0; 3]));
        assert_eq!(small.get_pixel(90, 35), &Rgb([200; 3]));
        let mean: u32 = small
            .as_raw()
            .iter()
            .map(|part| u32::from(*part))
            .sum::<u32>()
            / 21_000;
        assert!((99..=101).contains(&mean), "{mean}");
    }

    #[test]
    fn a_picture_that_is_small_already_stays_as_it_is() {
        let picture = RgbImage::from_fn(37, 21, |x, y| Rgb([x as u8, y as u8, 7]));
        assert_eq!(
            shrink(&DynamicImage::ImageRgb8(picture.clone()), 512),
            picture
        );
    }

    #[test]
    fn what_is_transparent_shows_white() {
        let half = RgbaImage::from_fn(4, 1, |x, _| Rgba([0, 0, 0, if x < 2 { 0 } else { 255 }]));
        let shown = shrink(&DynamicImage::ImageRgba8(half), 512);
        assert_eq!(shown.as_raw()[..], [[255; 6], [0; 6]].concat());
    }

    #[test]
    fn every_layout_of_pixels_gives_the_same_picture() {
        let grey = GrayImage::from_fn(40, 30, |x, y| Luma([(x * 5 + y) as u8]));
        let one = DynamicImage::ImageLuma8(grey);
        let expected = shrink(&one, 16);
        for other in [
            DynamicImage::ImageLumaA8(one.to_luma_alpha8()),
            DynamicImage::ImageRgb8(one.to_rgb8()),
            DynamicImage::ImageRgba8(one.to_rgba8()),
            DynamicImage::ImageLuma16(one.to_luma16()),
            DynamicImage::ImageRgba16(one.to_rgba16()),
        ] {
            assert_eq!(shrink(&other, 16), expected);
        }
    }

    #[test]
    fn stripes_are_sharper_than_a_slope_and_a_slope_is_not_sharp_at_all() {
        let stripes = GrayImage::from_fn(64, 64, |x, _| Luma([if x % 8 < 4 { 40 } else { 200 }]));
        let slope = GrayImage::from_fn(64, 64, |x, _| Luma([x as u8 * 3]));
        assert!(sharpness(&stripes) > 1_000.0, "{}", sharpness(&stripes));
        assert!(sharpness(&slope) < 1.0, "{}", sharpness(&slope));
        assert!(sharpness(&GrayImage::new(2, 2)) == 0.0);
    }

    #[test]
    fn shares_of_dark_and_bright_are_counted() {
        let thirds = GrayImage::from_fn(90, 10, |x, _| Luma([[0, 128, 255][x as usize / 30]]));
        let (dark, bright) = extremes(&thirds);
        assert!((dark - 1.0 / 3.0).abs() < 1e-9 && (bright - 1.0 / 3.0).abs() < 1e-9);
    }

    #[test]
    fn an_even_picture_has_no_fingerprint() {
        assert_eq!(
            fingerprint(&RgbImage::from_pixel(100, 80, Rgb([90; 3]))),
            None
        );
        assert_eq!(fingerprint(&RgbImage::new(3, 3)), None);
        let slope = RgbImage::from_fn(90, 80, |x, _| Rgb([x as u8; 3]));
        assert_eq!(fingerprint(&slope), Some(u64::MAX));
    }
}
