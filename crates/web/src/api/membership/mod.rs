//! A user's places in companies.

pub mod authenticated;
