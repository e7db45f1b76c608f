package lguest.device.testkit;

import java.net.URL;
import java.net.URLClassLoader;
import lguest.device.DeviceProvider;

/** Loads a provider, and all that lies in the same jar or folder, as a bundle's loader does: apart from everybody else's. The API comes from the parent. */
final class ProviderLoader extends URLClassLoader {
  private final String provider;

  ProviderLoader(Class<?> provider) {
    super(new URL[] {provider.getProtectionDomain().getCodeSource().getLocation()}, provider.getClassLoader());
    this.provider = provider.getName();
  }

  DeviceProvider provider() throws ReflectiveOperationException {
    Class<?> own = loadClass(provider);
    if (own.getClassLoader() != this) throw new AssertionError(provider + " was not loaded apart");
    java.lang.reflect.Constructor<?> constructor = own.getDeclaredConstructor();
    constructor.setAccessible(true);
    return (DeviceProvider) constructor.newInstance();
  }

  @Override protected Class<?> loadClass(String name, boolean resolve) throws ClassNotFoundException {
    synchronized (getClassLoadingLock(name)) {
      Class<?> known = findLoadedClass(name);
      if (known == null && findResource(name.replace('.', '/') + ".class") != null) known = findClass(name);
      if (known == null) return super.loadClass(name, resolve);
      if (resolve) resolveClass(known);
      return known;
    }
  }
}
