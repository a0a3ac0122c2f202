//! How a browser shows pages: the size of its window, light or dark, and the language it asks for.

use serde_json::{Value, json};

/// Start with [`Look::PHONE`] or [`Look::DESKTOP`] and change what the test is about.
#[derive(Debug, Clone, Copy)]
pub struct Look {
    width_px: u32,
    height_px: u32,
    is_phone: bool,
    is_dark: bool,
    language: &'static str,
}

impl Look {
    /// A common phone, light, Spanish.
    pub const PHONE: Self = Self {
        width_px: 390,
        height_px: 844,
        is_phone: true,
        is_dark: false,
        language: "es-AR",
    };

    /// A laptop, light, Spanish.
    pub const DESKTOP: Self = Self {
        width_px: 1_280,
        height_px: 800,
        is_phone: false,
        ..Self::PHONE
    };

    pub const fn dark(self) -> Self {
        Self {
            is_dark: true,
            ..self
        }
    }

    /// Asks for this language, such as `en-GB`.
    pub const fn speaking(self, language: &'static str) -> Self {
        Self { language, ..self }
    }

    /// The DevTools commands that bring it about.
    pub fn commands(self, user_agent: &str) -> [(&'static str, Value); 4] {
        let scheme = if self.is_dark { "dark" } else { "light" };
        [
            (
                "Emulation.setDeviceMetricsOverride",
                json!({
                    "width": self.width_px, "height": self.height_px,
                    "deviceScaleFactor": 1, "mobile": self.is_phone,
                }),
            ),
            (
                "Emulation.setTouchEmulationEnabled",
                json!({"enabled": self.is_phone}),
            ),
            (
                "Emulation.setEmulatedMedia",
                json!({"features": [
                    {"name": "prefers-color-scheme", "value": scheme},
                    // Nothing is looked at half-way.
                    {"name": "prefers-reduced-motion", "value": "reduce"},
                ]}),
            ),
            (
                "Emulation.setUserAgentOverride",
                json!({"userAgent": user_agent, "acceptLanguage": self.language}),
            ),
        ]
    }
}
