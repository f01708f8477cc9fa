"""How long methods take, beside other libraries and the papers."""
