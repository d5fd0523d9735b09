def make_optim(): pass
