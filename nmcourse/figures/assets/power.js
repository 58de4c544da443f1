// What a sample can tell: n networks of which none was of a kind (power.py).

// The probability that none of n is of a kind that a share of all is of.
function nmNoneOf(n, share) {
  return Math.pow(1 - share, n);
}

// The largest share for which a sample of n without any still has this probability.
function nmLargestShare(n, doubt) {
  return 1 - Math.pow(doubt, 1 / n);
}

// As many networks as it takes to see at least one with a probability of 1 - doubt.
function nmEnough(share, doubt) {
  return Math.ceil(Math.log(doubt) / Math.log(1 - share) - 1e-9);
}

function nmPowerCurves({ n, share, doubt }, nm) {
  const shares = nm.range(0, 60, 121);
  const most = nmLargestShare(n, doubt / 100);
  const none = nmNoneOf(n, share / 100);
  return {
    curves: {
      "none of n": { x: shares, y: shares.map((v) => 100 * nmNoneOf(n, v / 100)) },
      "doubt": { x: [0, 60], y: [doubt, doubt] },
      "chosen share": { x: [share], y: [100 * none] },
      "largest share left": { x: [100 * most], y: [doubt] },
    },
    readout: `With a true share of ${share} %, none of ${n} is of the kind in ${nm.fixed(100 * none, 1)} % of ` +
      `samples. None of ${n} excludes shares above ${nm.fixed(100 * most, 1)} %, with a doubt of ${doubt} %. ` +
      `A share of ${share} % needs ${nmEnough(share / 100, doubt / 100)} networks.`,
  };
}
