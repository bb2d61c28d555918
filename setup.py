from setuptools import Extension, setup

# Everything else stands in pyproject.toml. Optional: without a compiler the program is the same,
# only slower. -ffp-contract=off: the sums must give the bits of the numpy twins.
setup(
    ext_modules=[
        Extension(
            "sparse_core.native._native",
            ["sparse_core/native/_native.cpp"],
            language="c++",
            extra_compile_args=["-std=c++17", "-O2", "-ftree-vectorize", "-ffp-contract=off", "-g0"],
            optional=True,
        )
    ]
)
