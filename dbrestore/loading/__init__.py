"""A dump loaded into a server that is there already: an instance that a cloud has made empty."""
