"""New projects of Supabase, and clones that were made in its dashboard; never a restore in place."""
