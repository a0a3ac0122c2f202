//! A sheet as PDF, in A4: texts in Helvetica, which every reader brings along, and photos as the JPEGs that
//! they are.

use std::collections::HashMap;

use heraldo_domain::ports::Picture;
use heraldo_domain::sheet::{Line, Photo, Section, Sheet, Tone};
use heraldo_wire::id::ImageId;
use pdf_writer::{Content, Filter, Finish as _, Name, Pdf, Rect, Ref, Str, TextStr};

use super::font::{Encoded, Font, encode, width, wrap};

/// Points.
const PAGE: (f32, f32) = (595.0, 842.0);
const MARGIN: f32 = 48.0;
const FOOT: f32 = 62.0;
const INNER: f32 = PAGE.0 - 2.0 * MARGIN;
const LABEL: f32 = 140.0;
const GAP: f32 = 14.0;
const PICTURE: (f32, f32) = (230.0, 200.0);

type Colour = [f32; 3];
const INK: Colour = [0.10, 0.11, 0.13];
const SOFT: Colour = [0.36, 0.40, 0.44];
const RULE: Colour = [0.87, 0.89, 0.91];
const GOOD: Colour = [0.07, 0.41, 0.23];
const BAD: Colour = [0.63, 0.11, 0.11];
const GOOD_GROUND: Colour = [0.89, 0.96, 0.91];
const BAD_GROUND: Colour = [0.98, 0.90, 0.90];
const PLAIN_GROUND: Colour = [0.93, 0.94, 0.95];
const NOTICE_GROUND: Colour = [1.0, 0.96, 0.87];

/// How a text is set.
#[derive(Clone, Copy)]
struct Style {
    font: Font,
    size: f32,
    colour: Colour,
}

impl Style {
    const fn new(font: Font, size: f32, colour: Colour) -> Self {
        Self { font, size, colour }
    }

    fn leading(self) -> f32 {
        self.size * 1.35
    }
}

const TITLE: Style = Style::new(Font::Bold, 22.0, INK);
const SUBTITLE: Style = Style::new(Font::Regular, 10.0, SOFT);
const NOTICE: Style = Style::new(Font::Regular, 10.0, INK);
const VERDICT: Style = Style::new(Font::Bold, 13.0, INK);
const HEADING: Style = Style::new(Font::Bold, 13.0, INK);
const ROW_LABEL: Style = Style::new(Font::Regular, 9.5, SOFT);
const ROW_VALUE: Style = Style::new(Font::Regular, 9.5, INK);
const CAPTION: Style = Style::new(Font::Bold, 10.5, INK);
const REMARK: Style = Style::new(Font::Regular, 9.0, INK);
const FOOTER: Style = Style::new(Font::Regular, 8.0, SOFT);

/// Writes the whole document.
pub(super) fn write(sheet: &Sheet, pictures: &HashMap<ImageId, Picture>) -> Vec<u8> {
    let mut layout = Layout::new(pictures);
    layout.head(sheet);
    for section in &sheet.sections {
        layout.section(section, sheet);
    }
    layout.finish(sheet)
}

/// One page, and which pictures it shows.
struct PageOf {
    content: Content,
    shown: Vec<ImageId>,
}

impl PageOf {
    fn new() -> Self {
        Self {
            content: Content::new(),
            shown: Vec::new(),
        }
    }
}

/// Fills pages from above.
struct Layout<'a> {
    pictures: &'a HashMap<ImageId, Picture>,
    full: Vec<PageOf>,
    page: PageOf,
    /// Where the next thing begins, in points from below.
    y: f32,
    has_replaced: bool,
}

impl<'a> Layout<'a> {
    fn new(pictures: &'a HashMap<ImageId, Picture>) -> Self {
        Self {
            pictures,
            full: Vec::new(),
            page: PageOf::new(),
            y: PAGE.1 - MARGIN,
            has_replaced: false,
        }
    }

    fn turn(&mut self) {
        let full = std::mem::replace(&mut self.page, PageOf::new());
        self.full.push(full);
        self.y = PAGE.1 - MARGIN;
    }

    /// Makes sure that so much fits on the page.
    fn need(&mut self, points: f32) {
        if self.y - points < FOOT {
            self.turn();
        }
    }

    fn lines(&mut self, text: &str, style: Style, width_points: f32) -> Vec<Vec<u8>> {
        let Encoded {
            bytes,
            has_replaced,
        } = encode(text);
        self.has_replaced |= has_replaced;
        wrap(&bytes, style.font, style.size, width_points)
    }

    /// Sets lines one below the other from `x` on, over as many pages as they take.
    fn set(&mut self, lines: &[Vec<u8>], style: Style, x: f32) {
        for line in lines {
            self.need(style.leading());
            self.y -= style.leading();
            show(
                &mut self.page.content,
                line,
                style,
                x,
                self.y + style.size * 0.3,
            );
        }
    }

    fn fill(&mut self, colour: Colour, x: f32, y: f32, wide: f32, high: f32) {
        let [r, g, b] = colour;
        let content = &mut self.page.content;
        content
            .set_fill_rgb(r, g, b)
            .rect(x, y, wide, high)
            .fill_nonzero();
    }

    /// Lines on a coloured ground.
    fn boxed(&mut self, text: &str, style: Style, ground: Colour) {
        let lines = self.lines(text, style, INNER - 2.0 * GAP);
        let high = style.leading() * line_count(&lines) + 10.0;
        self.need(high + 8.0);
        self.y -= high;
        self.fill(ground, MARGIN, self.y, INNER, high);
        let below = self.y;
        self.y += high - 5.0;
        self.set(&lines, style, MARGIN + GAP);
        self.y = below - 8.0;
    }

    fn head(&mut self, sheet: &Sheet) {
        let lines = self.lines(&sheet.title, TITLE, INNER);
        self.set(&lines, TITLE, MARGIN);
        let lines = self.lines(&sheet.subtitle, SUBTITLE, INNER);
        self.set(&lines, SUBTITLE, MARGIN);
        self.y -= 8.0;
        for notice in &sheet.notices {
            self.boxed(notice, NOTICE, NOTICE_GROUND);
        }
        let Line { tone, text } = &sheet.verdict;
        let style = Style {
            colour: colour(*tone),
            ..VERDICT
        };
        let ground = match tone {
            Tone::Good => GOOD_GROUND,
            Tone::Bad => BAD_GROUND,
            Tone::Unknown | Tone::Plain => PLAIN_GROUND,
        };
        self.boxed(text, style, ground);
    }

    fn section(&mut self, section: &Section, sheet: &Sheet) {
        let heading = self.lines(&section.heading, HEADING, INNER);
        // A heading alone at the foot of a page would be lost.
        self.need(60.0);
        self.y -= 10.0;
        self.set(&heading, HEADING, MARGIN);
        self.y -= 4.0;
        self.fill(RULE, MARGIN, self.y, INNER, 0.8);
        self.y -= 3.0;
        for (label, value) in &section.rows {
            self.row(label, value);
        }
        for photo in &section.photos {
            self.photo(photo, sheet);
        }
    }

    fn row(&mut self, label: &str, value: &str) {
        let labels = self.lines(label, ROW_LABEL, LABEL - GAP);
        let values = self.lines(value, ROW_VALUE, INNER - LABEL);
        let mut labels = labels.iter();
        let mut values = values.iter();
        loop {
            let (label, value) = (labels.next(), values.next());
            if label.is_none() && value.is_none() {
                break;
            }
            self.need(ROW_VALUE.leading());
            self.y -= ROW_VALUE.leading();
            let baseline = self.y + ROW_VALUE.size * 0.3;
            let content = &mut self.page.content;
            if let Some(label) = label {
                show(content, label, ROW_LABEL, MARGIN, baseline);
            }
            if let Some(value) = value {
                show(content, value, ROW_VALUE, MARGIN + LABEL, baseline);
            }
        }
        self.y -= 1.5;
    }

    /// The picture on the left, what was found on it on the right.
    fn photo(&mut self, photo: &Photo, sheet: &Sheet) {
        let picture = self.pictures.get(&photo.image_id);
        let (wide, high) = picture.map_or((PICTURE.0, 60.0), fit);
        self.need(high + 2.0 * GAP);
        self.y -= GAP;
        let top = self.y;
        let below = top - high;
        match picture {
            Some(_) => self.picture(photo.image_id, below, wide, high),
            None => {
                self.fill(PLAIN_GROUND, MARGIN, below, wide, high);
                let text = sheet
                    .language
                    .say("La foto no se puede mostrar", "The photo cannot be shown");
                let Encoded { bytes, .. } = encode(text);
                let x = MARGIN + (wide - width(&bytes, Font::Regular, REMARK.size)) / 2.0;
                let style = Style {
                    colour: SOFT,
                    ..REMARK
                };
                let middle = below + high / 2.0 - 3.0;
                show(&mut self.page.content, &bytes, style, x, middle);
            }
        }
        let pages = self.full.len();
        let x = MARGIN + PICTURE.0 + GAP;
        let caption = self.lines(&photo.caption, CAPTION, INNER - PICTURE.0 - GAP);
        self.set(&caption, CAPTION, x);
        for Line { tone, text } in &photo.lines {
            let style = Style {
                colour: colour(*tone),
                ..REMARK
            };
            let lines = self.lines(text, style, INNER - PICTURE.0 - GAP);
            self.set(&lines, style, x);
            self.y -= 1.5;
        }
        // Unless the text went on to the next page, the next thing begins below the picture too.
        if self.full.len() == pages {
            self.y = self.y.min(below);
        }
    }

    fn picture(&mut self, image_id: ImageId, below: f32, wide: f32, high: f32) {
        self.page.shown.push(image_id);
        let name = name_of(image_id);
        let content = &mut self.page.content;
        content.save_state();
        content.transform([wide, 0.0, 0.0, high, MARGIN, below]);
        content.x_object(Name(name.as_bytes()));
        content.restore_state();
    }

    /// Puts the pages together.
    fn finish(mut self, sheet: &Sheet) -> Vec<u8> {
        self.turn();
        let mut refs = (1..).map(Ref::new);
        let mut next = || refs.next().unwrap_or(Ref::new(1));
        let (catalog, tree, info) = (next(), next(), next());
        let fonts = [next(), next()];
        let mut pdf = Pdf::new();
        let language = sheet.language.tag();
        pdf.catalog(catalog).pages(tree).lang(TextStr(language));
        let title = format!("{} · {}", sheet.title, sheet.subtitle);
        pdf.document_info(info)
            .title(TextStr(&title))
            .producer(TextStr("Heraldo"));
        for (font, base) in fonts.iter().zip(["Helvetica", "Helvetica-Bold"]) {
            pdf.type1_font(*font)
                .base_font(Name(base.as_bytes()))
                .encoding_predefined(Name(b"WinAnsiEncoding"));
        }
        let mut placed: HashMap<ImageId, Ref> = HashMap::new();
        let count = self.full.len();
        let mut kids = Vec::with_capacity(count);
        for (number, mut page) in (1..).zip(self.full) {
            foot(&mut page.content, sheet, number, count, self.has_replaced);
            for image_id in &page.shown {
                if let (None, Some(picture)) = (placed.get(image_id), self.pictures.get(image_id)) {
                    let place = next();
                    write_picture(&mut pdf, place, picture);
                    placed.insert(*image_id, place);
                }
            }
            let (id, content) = (next(), next());
            kids.push(id);
            pdf.stream(content, &page.content.finish());
            let mut written = pdf.page(id);
            written
                .parent(tree)
                .media_box(Rect::new(0.0, 0.0, PAGE.0, PAGE.1))
                .contents(content);
            let mut resources = written.resources();
            let mut names = resources.fonts();
            names
                .pair(Name(REGULAR), fonts[0])
                .pair(Name(BOLD), fonts[1]);
            names.finish();
            if !page.shown.is_empty() {
                let mut objects = resources.x_objects();
                for image_id in &page.shown {
                    if let Some(place) = placed.get(image_id) {
                        objects.pair(Name(name_of(*image_id).as_bytes()), *place);
                    }
                }
            }
        }
        let count = i32::try_from(count).unwrap_or(i32::MAX);
        pdf.pages(tree).kids(kids).count(count);
        pdf.finish()
    }
}

const REGULAR: &[u8] = b"F1";
const BOLD: &[u8] = b"F2";

fn write_picture(pdf: &mut Pdf, place: Ref, picture: &Picture) {
    let pixels = |count: u32| i32::try_from(count).unwrap_or(i32::MAX);
    let mut written = pdf.image_xobject(place, &picture.jpeg);
    written.filter(Filter::DctDecode);
    written.width(pixels(picture.width_pixels));
    written.height(pixels(picture.height_pixels));
    written.color_space().device_rgb();
    written.bits_per_component(8);
}

fn foot(content: &mut Content, sheet: &Sheet, number: usize, count: usize, has_replaced: bool) {
    let mut left = sheet.written.clone();
    if has_replaced {
        left.push_str(sheet.language.say(
            " · Los signos que este documento no puede mostrar aparecen como «?».",
            " · Characters that this document cannot show appear as “?”.",
        ));
    }
    let baseline = MARGIN - 14.0;
    show(content, &encode(&left).bytes, FOOTER, MARGIN, baseline);
    let right = encode(&format!("{number} / {count}")).bytes;
    let x = PAGE.0 - MARGIN - width(&right, FOOTER.font, FOOTER.size);
    show(content, &right, FOOTER, x, baseline);
}

fn show(content: &mut Content, bytes: &[u8], style: Style, x: f32, y: f32) {
    let name = match style.font {
        Font::Regular => REGULAR,
        Font::Bold => BOLD,
    };
    let [r, g, b] = style.colour;
    content
        .begin_text()
        .set_fill_rgb(r, g, b)
        .set_font(Name(name), style.size)
        .next_line(x, y)
        .show(Str(bytes))
        .end_text();
}

const fn colour(tone: Tone) -> Colour {
    match tone {
        Tone::Good => GOOD,
        Tone::Bad => BAD,
        Tone::Unknown | Tone::Plain => INK,
    }
}

/// The size of a picture on the page, in points.
#[expect(
    clippy::cast_precision_loss,
    reason = "photos have far fewer pixels on an edge than a float counts"
)]
fn fit(picture: &Picture) -> (f32, f32) {
    let (wide, high) = (
        picture.width_pixels.max(1) as f32,
        picture.height_pixels.max(1) as f32,
    );
    let scale = (PICTURE.0 / wide).min(PICTURE.1 / high);
    (wide * scale, high * scale)
}

#[expect(clippy::cast_precision_loss, reason = "a page has few lines")]
fn line_count(lines: &[Vec<u8>]) -> f32 {
    lines.len() as f32
}

fn name_of(image_id: ImageId) -> String {
    format!("I{image_id}")
}
