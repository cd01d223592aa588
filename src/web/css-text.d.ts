/** A style as text: the bundle has it inside. */
declare module "*.css" {
  const text: string;
  export default text;
}
