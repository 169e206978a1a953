"""Gates on the shape of the code: how large a folder, module or function may be, and that modules import in no circle."""
