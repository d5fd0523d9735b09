def make_transform(): pass
