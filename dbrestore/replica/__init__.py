"""Standbys of the original: proven, promoted while nobody writes, and what is left to see to afterwards."""
