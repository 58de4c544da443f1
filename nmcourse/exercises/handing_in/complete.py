COMPLETE_HEADING=""
class Completeness: pass
def complete(): pass
