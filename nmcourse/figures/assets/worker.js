// Work beside the page: a job runs in a worker, so that the page stays alive, or in the page where
// workers are not allowed. It uses arithmetic.js.

// job(packed, hand) returns a function that is called with each request and hands on what it finds.
// `needed` are all functions that it uses; a worker is given their text and nothing else.
function nmBeside(job, needed, packed, heard) {
  const code = `${[...needed, job].map(String).join("\n")}
    const nmTools = { ${nmTools.uniform}, ${nmTools.normal} };
    let ask = null;
    onmessage = ({ data }) => {
      if (data.packed) ask = ${job.name}(data.packed, (found) => postMessage(found));
      else ask(data);
    };`;
  let worker = null;
  let local = null;
  let last = null;
  const inThePage = () => {
    worker = null;
    local = job(packed, heard);
    if (last) local(last);
  };
  try {
    worker = new Worker(URL.createObjectURL(new Blob([code], { type: "text/javascript" })));
    worker.onmessage = ({ data }) => heard(data);
    worker.onerror = (event) => { event.preventDefault(); inThePage(); };
    worker.postMessage({ packed });
  } catch {
    inThePage();
  }
  return (request) => {
    last = request;
    if (worker) worker.postMessage(request);
    else local(request);
  };
}
