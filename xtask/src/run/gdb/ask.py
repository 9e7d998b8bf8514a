# Lets gdb say each thing that it is asked, and what it answers, in one stream and in this order.
def ask(command):
    print("== " + command)
    try:
        print(gdb.execute(command, to_string=True))
    except gdb.error as error:
        print("error: %s" % error)
