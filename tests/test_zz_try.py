import time

pytest_plugins=("shell",)
from frontends import SMALL


def test_a(shell):
    t=time.time()
    r=shell.run(f"%%wan cat.png {SMALL}\nhi there")
    print(time.time()-t)
    print("OUT",r.out,"ERR",r.err,r.error,r.value)
    for c in ["%wan","%wan jobs","%wan show","%wan help","%wan models","%wan where x","%wan --help","%wan usee emulator","%wan use","%wan use emulater","%wan cancel","%wan wait","%%wan cat.png --dry-run\nhello","%%wan nope.png\nx", "%%wan cat.png\nA forbidden prompt","%%wan cat.png -m wan2.5-i2v-preview -r 480P\nhi there", "job=1\n%wan show zz"]:
        r=shell.run(c); print("=====",c); print(r.out); print("ERR",r.err); print(type(r.error))
def test_k(kernel):
    for live in (False,True):
        t=time.time()
        c=kernel.run(f"%%wan cat.png {SMALL}\nhi there {live}",live=live)
        print(time.time()-t, c.outputs)
        kernel.until(lambda: "image/jpeg" in c.bundle)
        print(kernel.kinds(), str(c.bundle)[:3000])
    c=kernel.run("%%wan cat.png\nA forbidden prompt."); print(c.outputs)
    c=kernel.run("%wan where x"); print(c.outputs)
