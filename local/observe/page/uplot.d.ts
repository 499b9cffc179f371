// The page asks the server for /uplot.js; the package has its types.
export { default } from 'uplot';
