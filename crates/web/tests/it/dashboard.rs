//! The dashboard's pages, as a browser without scripts walks them.

mod access;
mod account;
mod audit;
mod browser;
mod deliveries;
mod developers;
mod forms;
mod inspections;
mod live;
mod overview;
mod recover;
mod samples;
mod team;
mod typed;
mod webhooks;
mod weight;

pub use browser::Browser;
