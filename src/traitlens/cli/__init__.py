"""The command line: it parses, shows progress and prints; the work is done elsewhere."""
