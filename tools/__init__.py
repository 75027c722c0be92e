"""The project's own commands: set-up, labs, checks. Not part of the kit."""
