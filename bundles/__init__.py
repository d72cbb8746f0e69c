"""The library of bundles: what each release of `litellm-proxy-extras` would do to a database.

`python3 -m bundles build` makes the folder that the image holds, `python3 -m bundles lock` renews the list
of what goes in. Standard library only, since both run before anything is installed. docs/spec/bundle.md
gives the shapes; at run time only the built folder is read, by the operator and by the migrator.
"""
