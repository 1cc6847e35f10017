"""The commands: each module reads options, calls the library and shows what came back."""
