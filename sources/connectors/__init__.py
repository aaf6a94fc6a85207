"""Where deliveries come from. A connector finds files; it does not read their content."""
