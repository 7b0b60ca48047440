"""The command line of Reforge: a thin layer that sequences the stages of an incident."""
