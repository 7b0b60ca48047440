"""Supabase's Management API and its projects, on loopback."""
