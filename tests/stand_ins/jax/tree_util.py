def tree_map(function, tree, *others):
    """function(leaf, *leaves) over nested dictionaries; the other trees may go deeper."""
    if not isinstance(tree, dict):
        return function(tree, *others)
    return {key: tree_map(function, tree[key], *(other[key] for other in others)) for key in tree}
