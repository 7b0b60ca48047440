"""StarForge in small: the application, its servers and its load, to practise an incident on."""
