"""PostgreSQL clusters of one's own, on the machine where the stack is applied."""
