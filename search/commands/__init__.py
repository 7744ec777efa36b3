"""The command line, one file a verb: its options, its call, what it prints.

A verb imports what it needs when it runs, so that `search --help` is quick.
"""
