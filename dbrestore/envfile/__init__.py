"""Single lines of dotenv files."""
