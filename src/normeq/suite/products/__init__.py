"""What tables and figures have in common: each is one module that declares itself once."""
