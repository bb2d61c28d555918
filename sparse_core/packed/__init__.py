"""Storage forms of sparse weights, ours and other tools': packing, and unpacking by rows.

One module a form. Each works on plain numpy arrays of raw bits and knows no file: `pack` takes a
dense matrix with the mask of what is kept, `to_dense` gives back rows of the matrix, and damaged
input raises `Damaged`. Kept weights come back bit for bit, NaN payloads included; pruned ones come
back as +0.
"""
