def make_ops(): pass
