"""Settings that would run code, were they built: what a shared model could bring."""

from typing import Any

MARK = "marker"
GADGETS: list[dict[str, Any]] = [
    {"_target_": "os.system", "command": f"touch {MARK}"},
    {"_target_": "subprocess.Popen", "args": ["touch", MARK]},
    {"_target_": "builtins.eval", "_args_": [f"open('{MARK}','w')"]},
    {"_target_": "builtins.open", "_args_": [MARK, "w"]},
    {"_target_": "hydra.utils.get_method", "path": "os.system"},
    {"_target_": "pathlib.Path.write_text", "_args_": [{"_target_": "pathlib.Path", "_args_": [MARK]}, "x"]},
    {"_target_": "sympy.sympify", "_args_": [f"__import__('os').system('touch {MARK}')"]},
    {"_target_": "distutils.spawn.spawn", "cmd": ["touch", MARK]},
    {"_target_": "shutil.copy", "_args_": ["/etc/hostname", MARK]},
    {"_target_": "ecgmm.training.run_directory.shutil.copy", "_args_": ["/etc/hostname", MARK]},
    {"_target_": "torch.nn.modules.module.torch.utils.cpp_extension.shutil.copy", "_args_": ["/etc/hostname", MARK]},
    {"_target_": "torch.nn.CrossEntropyLoss.forward"},
    {"_target_": "torch.nn.CrossEntropyLoss "},
    {"_target_": "TORCH.NN.CROSSENTROPYLOSS"},
    {"_target_": ["torch.nn.CrossEntropyLoss"]},
    {"_target_": {"_target_": "os.getcwd"}},
    {"_target_": None},
    {"_target_": "${oc.env:HOME}"},
    {"_target_": "torch.nn.CrossEntropyLoss", "_args_": []},
    {"_target_": "torch.nn.CrossEntropyLoss", "_convert_": "all"},
    {"_target_": "torch.nn.CrossEntropyLoss", "_recursive_": False},
]
