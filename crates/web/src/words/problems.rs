//! What stands instead of a page.

use super::words;

words! {
    not_opened_title: "Esta dirección no se abre así", "This address is not opened like this";
    not_opened_text: "Aquí lleva un formulario o un enlace de otra página: abre esa página y úsalo allí.",
        "A form or a link of another page leads here: open that page and use it there.";
}
