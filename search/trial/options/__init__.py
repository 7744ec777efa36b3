"""The options of a script's own command line: one file for each library that makes parsers."""
