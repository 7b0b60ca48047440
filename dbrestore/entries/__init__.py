"""One text value that lives somewhere else: what every kind of resource for such a value has in common.

No handlers of its own: a room beside this one says where its values live, as a ``Place``.
"""
