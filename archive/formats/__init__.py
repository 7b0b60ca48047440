"""The forms in which base backups lie in a folder: one file a form; see ``contents.Contents``."""
