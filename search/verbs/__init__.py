"""The verbs of the command line as Typer reads them: options, help texts, one call each."""
