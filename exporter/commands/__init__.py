"""The commands: flags in, exit status out. What a command does lives elsewhere and is imported when it is run."""
