import time
pytest_plugins=("shell",)
from frontends import SMALL
def test_a(shell):
    for c in [f"%%wan cat.png {SMALL}\nhi there","%wan where x","%wan --help","%wan cancel",f"%%wan cat.png {SMALL} --no-wait\nhi","%wan cancel","%%wan cat.png\nA forbidden prompt", f"%%wan cat.png {SMALL} --no-wait -o j\nA forbidden prompt", "j","j=4\n%wan show","%wan use dashscope-intl","import os; os.environ['DASHSCOPE_API_KEY']='sk-abc'\n%wan use dashscope-intl\n%wan"]:
        r=shell.run(c); print("=====",c); print(r.out); print("ERR",r.err); print(type(r.error))
def test_k(kernel):
    c=kernel.run(f"%%wan cat.png {SMALL} --no-wait -o j\nA forbidden prompt."); print(c.outputs)
    c=kernel.run("j"); print("JJJJJ", c.outputs)
