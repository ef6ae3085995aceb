//! packaging-repo
