//! fiber-vm
