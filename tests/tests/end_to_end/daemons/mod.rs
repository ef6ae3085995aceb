//! What arrives at the real daemons is what the checks printed: requirements 2, 3, 5, 7 and 16 of the checks, with NRPE in
//! both protocols, plain and with TLS, Nagios and Icinga 2, on what real imports have left.
//!
//! The definitions are those that ship. Changed is only where the checks are: in NRPE's file the folder, which its head
//! tells how to do; elsewhere by the variables that each daemon has for it, `$USER1$` and `PluginDir`.

mod alerts;
mod arrival;
mod hostile;
mod states;
mod troubles;
mod watched;
