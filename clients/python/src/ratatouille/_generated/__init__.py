"""Messages of proto/ratatouille/v1, made by tools/generate.py."""
