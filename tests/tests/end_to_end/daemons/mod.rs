//! The answers that arrive at the real daemons are those that the checks printed: requirements 2, 3, 5, 7 and 16 of the
//! checks, with NRPE in both protocols, plain and with TLS, Nagios and Icinga 2, on what real imports have left.
//!
//! The definitions are those that ship. Only the folder of the checks is changed: in NRPE's file as its header tells;
//! elsewhere by the variables that each daemon has for it, `$USER1$` and `PluginDir`.

mod alerts;
mod arrival;
mod failing;
mod hostile;
mod jobs;
mod log;
mod named;
mod notebook;
mod pages;
mod rare;
mod remotes;
mod states;
mod troubles;
mod watched;
