//! Figures of deliveries (contract 8, `GET /v1/notification/statistics`).

pub mod read;
