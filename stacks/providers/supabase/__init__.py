"""Projects of Supabase."""
