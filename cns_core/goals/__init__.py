"""Goals with names: views to return to, kept as plain files."""
