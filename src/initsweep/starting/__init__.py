"""`initsweep init`: a folder with a study of one's own data, and a budget for the time there is.

`sources` finds out what the data is, `budget` what can be trained in the time given, `timing`
how long that takes here, `parameters` and `pipeline` write `params.yaml` and `dvc.yaml`,
`folder` puts everything where it belongs.
"""
