//! The dashboard's pages, as a browser without scripts walks them.

mod access;
mod account;
mod audit;
mod browser;
mod developers;
mod inspections;
mod overview;
mod team;
mod webhooks;

pub use browser::Browser;
